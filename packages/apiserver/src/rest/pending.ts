export const applyJsonPatch = (current: unknown, _ops: unknown): unknown => current
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const out: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [k, v] of Object.entries(patch)) {
    if (v === null) delete out[k]
    else out[k] = mergePatch(out[k], v)
  }
  return out
}
export const strategicMergePatch = (current: unknown, patch: unknown, _s: unknown): unknown => mergePatch(current, patch)
