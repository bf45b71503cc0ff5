"""What HLS and DASH deliver: playlists and manifests, and the tracks that their segments make."""
