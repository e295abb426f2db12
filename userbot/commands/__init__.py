"""What admins type into chats, and the answers."""
