"""Tables for formulas: commands, superscripts and subscripts that Unicode has."""

from __future__ import annotations

_GREEK = (
    "alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ "
    "mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ chi χ "
    "psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω"
)
_OPERATORS = (
    "times × cdot · div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙ wedge ∧ vee ∨ land ∧ "
    "lor ∨ neg ¬ lnot ¬ cap ∩ cup ∪ setminus ∖ sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ partial ∂ nabla ∇ "
    "infty ∞ degree ° prime ′ angle ∠ triangle △ perp ⊥ parallel ∥ mid ∣ nmid ∤ top ⊤ bot ⊥"
)
_RELATIONS = (
    "le ≤ leq ≤ leqslant ⩽ ge ≥ geq ≥ geqslant ⩾ ne ≠ neq ≠ ll ≪ gg ≫ approx ≈ equiv ≡ sim ∼ simeq ≃ cong ≅ propto ∝ "
    "in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ emptyset ∅ varnothing ∅ forall ∀ exists ∃ nexists ∄ "
    "lt < gt > prec ≺ succ ≻ vdash ⊢ models ⊨ therefore ∴ because ∵ coloneqq ≔"
)
_ARROWS = (
    "to → rightarrow → longrightarrow ⟶ leftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒ implies ⇒ Longrightarrow ⟹ "
    "Leftarrow ⇐ impliedby ⇐ Leftrightarrow ⇔ iff ⇔ mapsto ↦ uparrow ↑ downarrow ↓ rightleftharpoons ⇌ "
    "hookrightarrow ↪ xrightarrow →"
)
_OTHERS = (
    "ldots … dots … cdots ⋯ vdots ⋮ ddots ⋱ hbar ℏ ell ℓ Re ℜ Im ℑ aleph ℵ wp ℘ langle ⟨ rangle ⟩ lceil ⌈ rceil ⌉ "
    "lfloor ⌊ rfloor ⌋ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ lbrace { rbrace } dagger † ddagger ‡ checkmark ✓ "
    "square □ blacksquare ■ S § P ¶ copyright © pounds £ euro € backslash ∖ colon :"
)
_WORDS = (
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp lim limsup liminf max min sup inf arg "
    "det dim ker gcd deg hom Pr mod"
)


def _pair_up(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SYMBOLS = {
    **_pair_up(" ".join((_GREEK, _OPERATORS, _RELATIONS, _ARROWS, _OTHERS))),
    **{word: word for word in _WORDS.split()},
    "quad": "  ",
    "qquad": "    ",
    "bmod": " mod ",
}
SYMBOLS |= {char: char for char in "{}%$#&_"}
SYMBOLS |= {",": " ", ";": " ", ":": " ", "!": "", " ": " ", ">": " ", "|": "‖"}

# Commands that only change how their argument looks, or how big a bracket is.
_WRAPPERS = (
    "text textbf textit textrm texttt mathrm mathbf mathit mathsf mathtt mathcal mathfrak mathscr boldsymbol bm "
    "operatorname mbox hbox underline overbrace underbrace ensuremath boxed"
)
_IGNORED = (
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle limits nolimits displaystyle "
    "textstyle scriptstyle nonumber notag hline"
)
WRAPPERS = frozenset(_WRAPPERS.split())
IGNORED = frozenset(_IGNORED.split())
ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "vec": "\u20d7",
    "dot": "\u0307",
}
ACCENTS |= {"ddot": "\u0308", "tilde": "\u0303", "widetilde": "\u0303"}
BLACKBOARD = dict(zip("RNZQCPEFH", "ℝℕℤℚℂℙ𝔼𝔽ℍ", strict=True))

SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW′*αβγδθ−",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ′*ᵅᵝᵞᵟᶿ⁻",
        strict=True,
    )
)
SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ−", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ₋", strict=True))
SUPERSCRIPTS["∘"] = SUPERSCRIPTS["°"] = "°"
