"""The generated parts of the documentation: what stands between `<!-- made: NAME -->` and `<!-- end -->` in docs/."""
