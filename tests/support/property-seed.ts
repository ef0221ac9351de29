// Loaded before each test file: properties start from one seed, so that a run's outcome depends on the code alone.
// `PROPERTY_SEED=N` takes another, `PROPERTY_SEED=random` a new one each time; a failure prints the seed it was found with.
import fc from "fast-check";

const chosen = process.env.PROPERTY_SEED ?? "20240229";
if (chosen !== "random") {
  const seed = Number(chosen);
  if (!Number.isInteger(seed))
    throw new Error(`PROPERTY_SEED is "${chosen}": expected an integer, or "random"`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
}
