export { arbitraryRequest } from "./arbitrary.ts";
