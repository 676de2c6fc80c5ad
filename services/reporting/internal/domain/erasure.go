package domain

// Erasures is the kind of the resources that say which erased persons intake has
// not heard about yet. They are no projections: a rebuild must not lose them.
const Erasures = "erasures/*"
