"""What an account or a client may do, asked before anything goes to the front."""
