using System.Diagnostics;
using Lemma.Models;
using Lemma.Training;
using Lemma.Weights;

namespace Lemma.Cli.Display;

/// <summary>How much of the machine a run takes: the share of the processor's peak, and memory.</summary>
/// <param name="OperationsOfToken">Floating-point operations of a training token.</param>
/// <param name="PeakRate">The most operations a second, in 10⁹.</param>
internal sealed record MachineUse(double OperationsOfToken, double PeakRate)
{
    /// <summary>The share of the processor's peak that a speed is.</summary>
    public double Share(double tokensPerSecond) => OperationsOfToken * tokensPerSecond / 1e9 / PeakRate;

    /// <summary>A line for a view: "31.2 % of the processor's peak  229 MB".</summary>
    public string Line(double tokensPerSecond) => $"{Amount.Percent(Share(tokensPerSecond))} of the processor's peak  {Amount.Bytes(Environment.WorkingSet)}";

    /// <summary>The most memory that the process had.</summary>
    public static string MostMemory
    {
        get
        {
            using Process process = Process.GetCurrentProcess();
            return Amount.Bytes(process.PeakWorkingSet64);
        }
    }

    /// <summary>Operations of a token by parameters: two forward and four backward each; two fewer where a frozen model only passes gradients on.</summary>
    /// <remarks>A token of an encoder and a decoder meets one of the two, half of them in the mean. Attention's own products are not counted.</remarks>
    public static double Operations(Recipe recipe)
    {
        Parameters own = recipe.Model.Parameters, learning = recipe.Learning;
        double met = recipe.Model is EncoderDecoder ? 0.5 : 1;
        return learning == own ? 6 * met * own.Count : 4 * met * own.Count + 6 * met * learning.Count;
    }
}
