import { storeConformance } from "../testing/index.ts";
import { memoryStore } from "./memory-store.ts";

storeConformance("memory", memoryStore);
