import { cborDecoder, jsonDecoder, protobufDecoder, yamlDecoder } from './decoders.ts'
import { definitions } from './definitions.ts'
import { cel, fieldSelector, jsonPath, labelSelector, quantity } from './expressions.ts'
import { applyPatch, jsonPatch, mergePatch, strategicPatch } from './patches.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [
  jsonDecoder,
  yamlDecoder,
  protobufDecoder,
  cborDecoder,
  jsonPatch,
  mergePatch,
  strategicPatch,
  applyPatch,
  labelSelector,
  fieldSelector,
  definitions,
  cel,
  quantity,
  jsonPath,
]
