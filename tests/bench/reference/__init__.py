"""Programs that ctpbus is measured against, and the clients of all of them."""
