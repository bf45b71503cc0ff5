import sys

import imageio.v3 as iio

iio.imwrite(sys.argv[2], iio.imread(sys.argv[1], plugin="FFMPEG"), loop=0)
