"""What the processes of a group say of themselves, and what follows from it."""
