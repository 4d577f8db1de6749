"""Pictures that arrive: folders, videos and cameras."""
