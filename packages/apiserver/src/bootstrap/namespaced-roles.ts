import type { BootstrapRole } from './reconcile.ts'

export const namespacedRoles: readonly BootstrapRole[] = []
export const namespacedRoleBindings: readonly { readonly metadata: { readonly name: string; readonly namespace: string } }[] = []
