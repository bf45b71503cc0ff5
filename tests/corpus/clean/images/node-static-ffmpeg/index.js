const { execFileSync } = require("child_process");
const ffmpeg = require("@ffmpeg-installer/ffmpeg");
const ffprobe = require("ffprobe-static");

console.log(execFileSync(ffmpeg.path, ["-version"], { encoding: "utf8" }));
console.log(execFileSync(ffprobe.path, ["-of", "json", "-show_streams", process.argv[2]], { encoding: "utf8" }));
