"""Starting and stopping a group: what deploy/up and deploy/down run once Python is there."""
