"""What the engine keeps for a messenger: rules of chats, the outbox, and what messages were told."""
