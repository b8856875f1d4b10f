"""What every HTTP service shares: request ids, problem documents, health, serving with a clean drain."""
