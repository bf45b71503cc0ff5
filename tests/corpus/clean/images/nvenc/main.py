import subprocess
import sys

import pynvml

pynvml.nvmlInit()
print(pynvml.nvmlDeviceGetCount(), "cards")
subprocess.run(["ffmpeg", "-hwaccel", "cuda", "-i", sys.argv[1], "-c:v", "h264_nvenc", sys.argv[2]], check=True)
