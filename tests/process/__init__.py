"""Real programs on real sockets, on ports that the kernel chooses."""
