"""The Telegram account that watches chats for links and sends the media back."""
