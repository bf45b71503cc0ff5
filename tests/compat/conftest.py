from support.runs import media, workers, write_layout

__all__ = ["media", "workers", "write_layout"]
