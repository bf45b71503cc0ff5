import subprocess
import tempfile

import gradio


def encode(path: str, crf: int) -> str:
    target = tempfile.NamedTemporaryFile(suffix=".mp4", delete=False).name
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-crf", str(crf), target], check=True)
    return target


gradio.Interface(encode, [gradio.Video(), gradio.Slider(18, 40, 23, step=1)], gradio.Video()).launch()
