"""Prints the RMS level of a WAV file in dBFS."""

import sys

import numpy
from scipy.io import wavfile

rate, samples = wavfile.read(sys.argv[1])
level = numpy.sqrt(numpy.mean((samples / numpy.iinfo(samples.dtype).max) ** 2))
print(f"{rate} Hz, {20 * numpy.log10(level):.1f} dBFS")
