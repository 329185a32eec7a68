/** What `skiff version` prints: Skiff's own version and that of the Kubernetes API it serves. */
export const skiffVersion = 'skiff 0.1.0 (Kubernetes v1.33)'
