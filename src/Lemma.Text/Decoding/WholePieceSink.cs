using System.Text;

namespace Lemma.Text.Decoding;

/// <summary>A stage that must see a whole piece before it can rewrite it.</summary>
internal abstract class WholePieceSink : PieceSink
{
    private readonly StringBuilder parts = new();

    public sealed override void Write(ReadOnlySpan<char> part, bool endsPiece)
    {
        if (endsPiece && parts.Length == 0)
        {
            WritePiece(part);
            return;
        }
        parts.Append(part);
        if (!endsPiece)
            return;
        string piece = parts.ToString();
        parts.Clear();
        WritePiece(piece);
    }

    /// <summary>Rewrites one piece.</summary>
    protected abstract void WritePiece(ReadOnlySpan<char> piece);
}
