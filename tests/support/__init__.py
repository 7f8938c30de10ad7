"""What tests share: ``group`` starts a real group, ``machines`` two with a bad wire between."""
