"""Formulas as plain text: LaTeX becomes Unicode if that is readable, else its source is shown as code."""

from __future__ import annotations

import re
from typing import NamedTuple

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


_PAIRS = " ".join((_GREEK, _OPERATORS, _RELATIONS, _ARROWS, _OTHERS)).split()
SYMBOLS = {
    **dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)),
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


_FORMULA = re.compile(r"\\[a-zA-Z]|[\^_=<>+*/≤≥≠]|\d|^\s*[^\W\d_]{1,2}\s*$")
_TOKEN = re.compile(r"\\([a-zA-Z]+\*?|.)|\s+|.", re.DOTALL)
# What needs no brackets above and below the line of a fraction: 2ab is fine above it, but not below.
_NUMERATOR = re.compile(r"√?[\w.′]*(?:\([^()]*\))?")
_DENOMINATOR = re.compile(r"\d+(?:\.\d+)?|√?[^\W0-9]+|√?\([^()]*\)")
_TEMPLATES = {"binom": "C({}, {})", "dbinom": "C({}, {})", "pmod": " (mod {})", "tag": "  ({})"}
_SPACES = re.compile(r" {2,}")
_ENVIRONMENTS = frozenset({"aligned", "align", "equation", "gather", "gathered", "split", "cases"})
_MAX_DEPTH = 30  # braces in braces: each is a call inside the call before
_MAX_LENGTH = 4000


class _UnknownCommandError(Exception):
    """The formula uses something that plain text has no sign for."""


def is_formula(content: str) -> bool:
    """Return whether the text between the delimiters looks like mathematics rather than a bracketed word."""
    return not content.isspace() and _FORMULA.search(content) is not None


def convert_formula(source: str) -> str | None:
    """The formula in Unicode, or nothing if it holds a command that is not known."""
    if len(source) > _MAX_LENGTH:
        return None
    try:
        text = _Converter(source).read_until("")
    except _UnknownCommandError:
        return None
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line) or None


class _Token(NamedTuple):
    text: str
    command: str


class _Converter:
    """A recursive reader of the small part of LaTeX that people write in messages."""

    def __init__(self, source: str) -> None:
        self._tokens = [_Token(m[0], m[1] or "") for m in _TOKEN.finditer(source.replace("~", " "))]
        self._position = 0
        self._depth = 0

    def read_until(self, closer: str) -> str:
        """Return the text up to the closing token, or of all tokens if `closer` is empty."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _UnknownCommandError
        parts: list[str] = []
        while self._position < len(self._tokens):
            if self._tokens[self._position].text == closer:
                self._position += 1
                self._depth -= 1
                return "".join(parts)
            parts.append(self._read_one())
        if closer:
            raise _UnknownCommandError
        self._depth -= 1
        return "".join(parts)

    def _read_one(self) -> str:
        token = self._tokens[self._position]
        self._position += 1
        if token.command:
            return self._read_command(token.command)
        if token.text == "{":
            return self.read_until("}")
        if token.text in {"^", "_"}:
            return _shift(self._read_argument(), raised=token.text == "^")
        if token.text == "}":
            raise _UnknownCommandError
        if token.text == "&" or token.text.isspace():
            return " "
        return "′" if token.text == "'" else token.text

    def _read_argument(self) -> str:
        while self._position < len(self._tokens) and self._tokens[self._position].text.isspace():
            self._position += 1
        if self._position == len(self._tokens):
            raise _UnknownCommandError
        return self._read_one()

    def _read_command(self, command: str) -> str:
        if command in {"\\", "newline"}:
            return "\n"
        if (symbol := SYMBOLS.get(command)) is not None:
            return symbol
        if command in IGNORED:
            if self._position < len(self._tokens) and self._tokens[self._position].text == ".":
                self._position += 1  # `\\left.` draws no bracket
            return ""
        if command.rstrip("*") in WRAPPERS:
            return self._read_argument()
        return self._read_structure(command)

    def _read_structure(self, command: str) -> str:
        if command in {"frac", "dfrac", "tfrac", "cfrac"}:
            above, below = self._read_argument(), self._read_argument()
            return f"{_bracket(above, _NUMERATOR)}/{_bracket(below, _DENOMINATOR)}"
        if command == "sqrt":
            degree = ""
            if self._position < len(self._tokens) and self._tokens[self._position].text == "[":
                self._position += 1
                degree = self.read_until("]")
            sign = {"": "√", "2": "√", "3": "∛", "4": "∜"}.get(degree) or f"{_shift(degree, raised=True)}√"
            return sign + _bracket(self._read_argument(), _DENOMINATOR)
        if command in _TEMPLATES:
            template = _TEMPLATES[command]
            return template.format(*(self._read_argument() for _ in range(template.count("{}"))))
        if command in ACCENTS:
            argument = self._read_argument()
            return argument + ACCENTS[command] if len(argument) == 1 else argument
        if command == "mathbb":
            argument = self._read_argument()
            return BLACKBOARD.get(argument, argument)
        if command in {"begin", "end"} and self._read_argument().rstrip("*") in _ENVIRONMENTS:
            return "\n" if command == "begin" else ""
        raise _UnknownCommandError


def _shift(argument: str, *, raised: bool) -> str:
    table = SUPERSCRIPTS if raised else SUBSCRIPTS
    argument = argument.strip()
    if argument and all(char in table for char in argument):
        return "".join(table[char] for char in argument)
    mark = "^" if raised else "_"
    return mark + (argument if len(argument) == 1 else f"({argument})")


def _bracket(argument: str, simple: re.Pattern[str]) -> str:
    argument = argument.strip()
    return argument if simple.fullmatch(argument) else f"({argument})"
