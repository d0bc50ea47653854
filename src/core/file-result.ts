// How the reading or writing of a file that an agent asked for ended. `outside`: it lies outside the workspace, really at `place`, and nobody has allowed that. A person is told
// the place; an agent is not, because it would tell what there is.

export type FileResult =
  | { readonly kind: 'done'; readonly content?: string }
  | { readonly kind: 'outside'; readonly place: string }
  | { readonly kind: 'failed'; readonly message: string }
