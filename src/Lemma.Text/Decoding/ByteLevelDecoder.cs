using System.Buffers;
using System.Text;
using Lemma.Text.Splitting;

namespace Lemma.Text.Decoding;

/// <summary>Reads pieces spelled in the alphabet of bytes as UTF-8; bytes that are not UTF-8 become U+FFFD.</summary>
/// <remarks>A piece with a character outside the alphabet (an added token) stands for its own text.</remarks>
public sealed class ByteLevelDecoder : PieceDecoder
{
    /// <inheritdoc/>
    public override PieceSink Attach(PieceSink next) => new Sink(next);

    private sealed class Sink(PieceSink next) : WholePieceSink
    {
        private readonly Decoder utf8 = Encoding.UTF8.GetDecoder();

        protected override void WritePiece(ReadOnlySpan<char> piece)
        {
            byte[] bytes = ArrayPool<byte>.Shared.Rent(3 * piece.Length + 1);
            int count = 0;
            foreach (char c in piece)
            {
                int value = ByteAlphabet.ToByte(c);
                if (value < 0)
                {
                    count = Encoding.UTF8.GetBytes(piece, bytes);
                    break;
                }
                bytes[count++] = (byte)value;
            }
            Pass(bytes.AsSpan(0, count), flush: false);
            ArrayPool<byte>.Shared.Return(bytes);
        }

        public override void Finish()
        {
            Pass([], flush: true);
            next.Write([], endsPiece: true);
            next.Finish();
        }

        private void Pass(ReadOnlySpan<byte> bytes, bool flush)
        {
            char[] characters = ArrayPool<char>.Shared.Rent(bytes.Length + 4);
            int count = utf8.GetChars(bytes, characters, flush);
            next.Write(characters.AsSpan(0, count), endsPiece: false);
            ArrayPool<char>.Shared.Return(characters);
        }
    }
}
