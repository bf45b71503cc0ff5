import sys

from faster_whisper import WhisperModel

segments, _ = WhisperModel("small", compute_type="int8").transcribe(sys.argv[1])
for segment in segments:
    print(f"{segment.start:.2f} {segment.text}")
