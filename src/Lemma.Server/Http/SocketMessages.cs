using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Lemma.Server.Http;

/// <summary>Whole texts that a WebSocket sends, in order. They are read while earlier ones are answered, so that a client that leaves is noticed at once.</summary>
/// <param name="socket">Where from.</param>
/// <param name="most">The most bytes of a text, and of all that wait.</param>
internal sealed class SocketMessages(WebSocket socket, long most)
{
    /// <summary>The most texts that wait.</summary>
    public const int MostWaiting = 16;

    private const int PartBytes = 1 << 14;
    private readonly Channel<byte[]> waiting = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private int count;
    private long bytes;

    /// <summary>Why nothing is taken behind the texts so far; null while something is.</summary>
    public ApiException? Refusal { get; private set; }

    /// <summary>What the connection is closed with for that.</summary>
    public WebSocketCloseStatus RefusalStatus { get; private set; }

    /// <summary>Reads until the client leaves; what is refused ends the texts, and what comes behind it is thrown away.</summary>
    /// <param name="left">Told when the client leaves.</param>
    public async Task ReadAsync(Action left)
    {
        byte[] part = new byte[PartBytes];
        ArrayBufferWriter<byte> text = new();
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult read = await socket.ReceiveAsync(part.AsMemory(), CancellationToken.None).ConfigureAwait(false);
                if (read.MessageType == WebSocketMessageType.Close)
                    return;
                if (Refusal is not null)
                    continue;
                if (read.MessageType == WebSocketMessageType.Binary)
                    Refuse(400, "Messages are texts of JSON, but one is binary.", "binary_message", WebSocketCloseStatus.InvalidMessageType);
                else if (text.WrittenCount + read.Count > most)
                    Refuse(413, $"A message has at most {most} bytes, but one has more.", "request_too_large", WebSocketCloseStatus.MessageTooBig);
                else
                {
                    text.Write(part.AsSpan(0, read.Count));
                    if (!read.EndOfMessage)
                        continue;
                    Put(text.WrittenSpan.ToArray());
                    text = new ArrayBufferWriter<byte>();
                }
            }
        }
        catch (Exception failure) when (IsGone(failure))
        {
            // The connection broke, or what came was no WebSocket.
        }
        finally
        {
            waiting.Writer.TryComplete();
            left();
        }
    }

    /// <summary>The texts as they come, until the client leaves or one is refused.</summary>
    public async IAsyncEnumerable<byte[]> TakeAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (byte[] text in waiting.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            // Of those that wait none is taken either.
            cancellation.ThrowIfCancellationRequested();
            Interlocked.Decrement(ref count);
            Interlocked.Add(ref bytes, -text.Length);
            yield return text;
        }
    }

    /// <summary>Whether a failure says that the other side is not there any more.</summary>
    public static bool IsGone(Exception failure) => failure is WebSocketException or OperationCanceledException or ObjectDisposedException or IOException;

    private void Put(byte[] text)
    {
        if (Volatile.Read(ref count) == MostWaiting || (Volatile.Read(ref count) > 0 && Interlocked.Read(ref bytes) + text.Length > most))
        {
            Refuse(429, $"At most {MostWaiting} messages of together {most} bytes wait for their turn, but there are more.", "too_many_messages",
                WebSocketCloseStatus.PolicyViolation);
            return;
        }
        Interlocked.Increment(ref count);
        Interlocked.Add(ref bytes, text.Length);
        waiting.Writer.TryWrite(text);
    }

    private void Refuse(int status, string message, string code, WebSocketCloseStatus closes)
    {
        (Refusal, RefusalStatus) = (new ApiException(status, message, null, code), closes);
        waiting.Writer.TryComplete();
    }
}
