"""What takes minutes: other versions of the binding, and Autobahn's cases."""
