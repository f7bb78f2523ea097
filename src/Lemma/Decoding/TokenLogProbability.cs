using System.Runtime.InteropServices;

namespace Lemma.Decoding;

/// <summary>ln p of an id under the model's own logits, before any step.</summary>
/// <param name="Id">The id.</param>
/// <param name="LogProbability">ln p, in nats.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TokenLogProbability(int Id, double LogProbability);
