"""Orders of one account: recorded before they are sent, known by one identity to every viewer."""
