using System.Text;
using Lemma.Decoding;

namespace Lemma.Language;

/// <summary>A text that a person and a model without a chat template write in turn.</summary>
/// <remarks>The model sees the end that fits. What was read before is not read again. One thread at a time.</remarks>
public sealed class Draft : IDisposable
{
    private readonly StringBuilder text = new();
    private readonly LanguageModel model;
    private readonly int longest;
    private readonly Generator generator;
    private ulong turns;

    internal Draft(LanguageModel model) => (this.model, longest, generator) = (model, model.Decoder.MaximumLength, model.NewGenerator());

    /// <summary>What was written so far.</summary>
    public string Text => text.ToString();

    /// <summary>Tokens that the model saw or made in the last turn.</summary>
    public int Length => generator.Sequences == 0 ? 0 : generator.Ids().Length;

    /// <summary>How many tokens the model has read in all turns together.</summary>
    public long TokensRead => generator.TokensRead;

    /// <summary>Tokens that the model added in the last turn.</summary>
    public int AddedTokens { get; private set; }

    /// <summary>Keeps the first characters alone; none to begin anew.</summary>
    public void Truncate(int length)
    {
        Require.That(length >= 0 && length <= text.Length, $"draft: it has {text.Length} characters, so it cannot be cut to {length}");
        text.Length = length;
    }

    /// <summary>Writes behind the text.</summary>
    public void Write(string more) => text.Append(more);

    /// <summary>Lets the model write on, in pieces; every turn draws with a seed of its own.</summary>
    /// <param name="options">How; null as <see cref="Models.Model.Sampling"/> says.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>; what was written stays.</param>
    public IEnumerable<string> Continue(GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= GenerationOptions.Sample(own: model.Model.Sampling);
        int[] ids = model.Prompt(Text);
        int kept = Math.Max(longest / 2, longest - options.MaximumTokens);
        return Pieces(ids.AsMemory(Math.Max(0, ids.Length - kept)), options with { Seed = options.Seed + turns++ }, cancellation);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => generator.Dispose();

    private IEnumerable<string> Pieces(ReadOnlyMemory<int> prompt, GenerationOptions options, CancellationToken cancellation)
    {
        TextStream stream = new(generator, model.Tokenizer, prompt, options);
        try
        {
            foreach (string piece in stream.Pieces(cancellation))
            {
                text.Append(piece);
                yield return piece;
            }
        }
        finally
        {
            AddedTokens = stream.Ids.Length;
        }
    }
}
