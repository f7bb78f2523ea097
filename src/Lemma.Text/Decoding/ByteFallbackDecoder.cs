using System.Globalization;
using System.Text;

namespace Lemma.Text.Decoding;

/// <summary>Reads runs of pieces like &lt;0xE2&gt; as UTF-8; a run that is not UTF-8 becomes one U+FFFD a byte.</summary>
/// <remarks>A run is only known to be UTF-8 when it ends, so a stream shows it then.</remarks>
public sealed class ByteFallbackDecoder : PieceDecoder
{
    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(next);

    /// <summary>The piece that stands for a byte.</summary>
    public static string PieceOf(byte value) => $"<0x{value:X2}>";

    /// <summary>The byte that a piece stands for, or null.</summary>
    internal static byte? ByteOf(ReadOnlySpan<char> piece) => piece.Length == 6 && piece.StartsWith("<0x") && piece[5] == '>'
        && byte.TryParse(piece[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;

    private sealed class Sink(PieceSink next) : WholePieceSink
    {
        private readonly List<byte> run = [];

        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            if (ByteOf(piece) is byte value)
            {
                run.Add(value);
                return;
            }
            EndRun();
            next.Write(piece, endsPiece: true);
        }

        public override void Finish()
        {
            EndRun();
            next.Finish();
        }

        private void EndRun()
        {
            if (run.Count == 0)
                return;
            byte[] bytes = [.. run];
            run.Clear();
            if (System.Text.Unicode.Utf8.IsValid(bytes))
                next.Write(Encoding.UTF8.GetString(bytes), endsPiece: true);
            else
                for (int i = 0; i < bytes.Length; i++)
                    next.Write("\ufffd", endsPiece: true);
        }
    }
}
