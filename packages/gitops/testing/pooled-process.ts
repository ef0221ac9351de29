// A process for tests of the pool: does what it is told, and says who it is.
process.on("message", (told: "answer" | "retire" | "exit" | "die") => {
  if (told === "exit") {
    console.error("told to");
    process.exit(3);
  }
  if (told === "die") process.kill(process.pid, "SIGKILL");
  process.send?.({ more: true, pid: process.pid });
  process.send?.({ more: false, pid: process.pid, retired: told === "retire" });
});
