"""L5: what people have a right to: to have what is kept of them, and to have it erased (GDPR, articles 15, 17 and 20)."""
