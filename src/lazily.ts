/** Loads a library when it is first asked for: few processes need it, and it takes a tenth of a start to load. */
export function lazily<Library>(load: () => Library): () => Library {
  let library: Library | undefined
  return () => (library ??= load())
}
