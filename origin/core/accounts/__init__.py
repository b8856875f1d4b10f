"""Who somebody is and what they may do: pure decisions behind accounts, sessions, tokens and providers."""
