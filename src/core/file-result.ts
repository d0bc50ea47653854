// How the reading or writing of a file that an agent asked for ended. `outside`: it lies outside the workspace, and nobody has allowed that.

export type FileResult = { readonly kind: 'done'; readonly content?: string } | { readonly kind: 'outside' } | { readonly kind: 'failed'; readonly message: string }
