namespace Lemma.Language.Views;

/// <summary>A text whose masks a model filled in.</summary>
/// <param name="Text">The text with the likeliest token at each mask, without special tokens.</param>
/// <param name="Masks">What the model would put at each mask, in the order of the text.</param>
public sealed record FilledText(string Text, IReadOnlyList<FilledMask> Masks);

/// <summary>What a model would put at a mask.</summary>
/// <param name="Position">The token that the mask is, from 0 on.</param>
/// <param name="Guesses">The likeliest tokens, the likeliest first.</param>
public sealed record FilledMask(int Position, IReadOnlyList<TokenGuess> Guesses);
