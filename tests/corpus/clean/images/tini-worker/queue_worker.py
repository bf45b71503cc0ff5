import json
import os
import subprocess

import redis

queue = redis.Redis.from_url(os.environ["REDIS_URL"])
while job := queue.blpop("jobs"):
    subprocess.run(["ffmpeg", "-nostdin", "-y", *json.loads(job[1])], check=False)
