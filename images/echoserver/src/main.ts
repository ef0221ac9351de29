// The process of an echoserver container: HTTP on 8080.
import { hostname } from "node:os";
import { createEchoserver } from "./echoserver.ts";

if (process.argv.includes("--version")) {
  console.log(process.env["TRACEGATE_TAG"] ?? "2.5");
  process.exit(0);
}
const server = createEchoserver({ env: { HOSTNAME: hostname(), ...process.env } });
server.on("error", (error) => {
  console.error(`Error: ${error.message}`);
  process.exit(1);
});
server.listen(8080);
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
