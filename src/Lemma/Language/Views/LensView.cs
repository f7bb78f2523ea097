namespace Lemma.Language.Views;

/// <summary>What each layer of a model would predict at each token of a text.</summary>
public sealed class LensView
{
    private readonly IReadOnlyList<TokenGuess[][]> guesses;

    internal LensView(IReadOnlyList<int> ids, IReadOnlyList<string> tokens, IReadOnlyList<TokenGuess[][]> guesses) =>
        (Ids, Tokens, this.guesses) = (ids, tokens, guesses);

    /// <summary>The ids of the text.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>Their texts.</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>How many layers.</summary>
    public int Layers => guesses.Count;

    /// <summary>What a layer would predict from a token, the likeliest first: of a decoder what follows it, of an encoder what it is.</summary>
    public IReadOnlyList<TokenGuess> this[int layer, int token] => guesses[layer][token];
}
