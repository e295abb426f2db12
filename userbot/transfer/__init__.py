"""Files to and from Telegram, several parts in flight at once. Knows nothing of jobs, chats and messages."""
