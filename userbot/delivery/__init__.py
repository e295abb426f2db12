"""Finished files on their way to the chats that asked: each exactly once, whatever happens meanwhile."""
