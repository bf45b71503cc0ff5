const ffmpeg = require("fluent-ffmpeg");
const sharp = require("sharp");

const [source, target] = process.argv.slice(2);
ffmpeg(source)
  .screenshots({ timestamps: ["10%"], filename: "poster.png", folder: "/tmp" })
  .on("end", () => sharp("/tmp/poster.png").resize(640).avif().toFile(target));
