using Lemma.Text;
using Lemma.Text.PostProcessing;

namespace Lemma.Cli.Tuning;

/// <summary>Texts as ids in pieces of a length, each in the frame that the tokenizer puts around a text.</summary>
internal sealed class TextPieces
{
    private readonly Tokenizer tokenizer;
    private readonly int[] before, after;
    private readonly int room;

    public TextPieces(Tokenizer tokenizer, int length)
    {
        TemplateItem[] frame = [.. tokenizer.PostProcessor?.ForSingle ?? [new('A', 0, 0)]];
        int text = Array.FindIndex(frame, item => item.Sequence == 'A');
        (this.tokenizer, before, after) = (tokenizer, [.. frame[..text].Select(item => item.Id)], [.. frame[(text + 1)..].Select(item => item.Id)]);
        room = length - before.Length - after.Length;
        if (room < 2)
            throw new InvalidDataException($"--length: {length} tokens leave no text between the {before.Length + after.Length} that stand around it");
    }

    /// <summary>How many ids stand before a text.</summary>
    public int Before => before.Length;

    /// <summary>How many ids stand behind a text.</summary>
    public int After => after.Length;

    /// <summary>The pieces of a text, of two ids of it at least.</summary>
    /// <param name="text">The text.</param>
    /// <param name="framed">Whether the frame stands around each.</param>
    public IEnumerable<int[]> Of(string text, bool framed = true) => tokenizer.Encode(text, addSpecialTokens: false).Chunk(room)
        .Where(piece => piece.Length > 1).Select(piece => framed ? [.. before, .. piece, .. after] : piece);
}
