import sys

import cv2

capture = cv2.VideoCapture(sys.argv[1])
finder = cv2.QRCodeDetector()
while (read := capture.read())[0]:
    found, *_ = finder.detect(read[1])
    print(capture.get(cv2.CAP_PROP_POS_MSEC), found)
